"""The console's templates; a package so that they are installed with it."""
