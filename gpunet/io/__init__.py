"""Files of any kind: messages about them, safe reading, atomic writing.

From the bottom up: `messages` says what is wrong with a file, `reading` opens what
strangers made, `writing` replaces a file wholly or not at all; `arrays` (npy and
npz) and `json_text` read and write on top of them.
"""
