// Reads [{secret, body, headers}] and tells which verify, and which still do when
// one character of the body is another.
import { Webhook } from "standardwebhooks";
import { readFileSync } from "node:fs";

const verifies = ({ secret, body, headers }) => {
  try {
    new Webhook(secret).verify(body, headers);
    return true;
  } catch {
    return false;
  }
};
const taken = JSON.parse(readFileSync(0, "utf8"));
const spoiled = taken.map((each) => ({ ...each, body: each.body.replace("{", "[") }));
console.log(JSON.stringify([taken.map(verifies), spoiled.map(verifies)]));
