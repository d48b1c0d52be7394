"""Between worker and child: forking, pipes, work folders, and the sandbox."""
