"""What arrives: FileMaker's exports and the clinic's bucket, read as they are, judged by nobody here."""
