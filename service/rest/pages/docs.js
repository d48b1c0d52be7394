// Starts Swagger UI. A file of its own, because the page's Content-Security-Policy refuses inline scripts.
SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  validatorUrl: null, // by default the document would be sent to validator.swagger.io
});
