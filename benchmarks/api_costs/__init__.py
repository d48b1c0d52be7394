"""What asking the service costs: latencies, memory, uploads and the way to a running job."""
