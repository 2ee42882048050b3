"""The course: a class as a script, problem sheets, solutions, and how answers are judged."""
