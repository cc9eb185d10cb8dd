"""What is timed, against what, and how: see README.md beside this file."""
