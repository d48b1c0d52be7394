"""``talking_mouth``: drawn lips that follow synthesized Mandarin speech, made from seeds.

Test data: it shows that losses and code work, and nothing about people.
"""
