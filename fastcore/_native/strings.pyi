class Strings: ...  # for cimport; nothing of it can be reached from Python
