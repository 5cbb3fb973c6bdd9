"""What the text of an option is read as."""

import argparse


def integers(text):
    """Reads `64,32` as a list of int."""
    try:
        return [int(part) for part in text.split(",")]
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no list of integers like 64,32") from error


def split(text):
    """Reads `.8,.1,.1` as a list of float; other text, the name of a column, as it is."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        return text


def names(text):
    """Reads `noise,blur` as a list of str."""
    return text.split(",")


def shares(text):
    """Reads `0,.5,1` as a list of float."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no list of shares like 0,0.5,1") from error


def port(text):
    """Reads the number of a port."""
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port, a number from 0 to 65535")
    return int(text)


def lora(text):
    """Reads `BRANCH` or `BRANCH:RANK` as `[branch, rank]`; a rank that is not said is 8."""
    branch, _, rank = text.partition(":")
    if rank and not rank.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no BRANCH or BRANCH:RANK like text:8")
    return [branch, int(rank or 8)]


def unfreeze(text):
    """Reads `BRANCH` or `BRANCH:N` as `[branch, N or None]`."""
    branch, _, last = text.partition(":")
    if last and not last.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no BRANCH or BRANCH:N like text:4")
    return [branch, int(last) if last else None]
