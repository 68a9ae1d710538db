// Reads [{secret, body, headers}] and tells of each whether it verifies.
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
console.log(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(verifies)));
