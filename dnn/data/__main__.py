"""`python -m dnn.data mnist`: fetch a data set into the cache, check it, say how large it is."""

from dnn.data.loading import main

if __name__ == "__main__":
    raise SystemExit(main())
