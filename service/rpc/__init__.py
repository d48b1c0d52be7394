"""Door two: gRPC. Each servicer translates in, calls one operation, translates out."""
