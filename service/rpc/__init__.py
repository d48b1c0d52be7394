"""The gRPC API. Each RPC reads its request, calls an operation, and answers with a view."""
