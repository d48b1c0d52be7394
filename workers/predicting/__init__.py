"""Answering questions with networks that stay loaded.

``attendant`` (in the worker, without torch) takes questions from the line and fetches programs;
``child`` (sandboxed, warm) holds the programs and runs them; ``answers`` turns outputs into
classes, pictures and arrays.
"""
