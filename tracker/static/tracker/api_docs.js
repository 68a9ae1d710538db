"use strict";

const place = document.getElementById("api-docs");
const isGuide = place.classList.contains("guide");

SwaggerUIBundle({
  domNode: place,
  url: place.dataset.openapi,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  deepLinking: true,
  displayRequestDuration: true,
  // Off: it would send the address of our schema to a foreign host.
  validatorUrl: null,
  // A guide describes, and has no operations to say that there are none of.
  plugins: isGuide ? [() => ({ wrapComponents: { operations: () => () => null } })] : [],
});
