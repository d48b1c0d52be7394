"""Door one: REST. Routes translate in, call one operation, translate out."""
