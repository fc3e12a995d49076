"""The notebook's GPT as it stands in naive.py, with only its Value class swapped for scalargrad's.

What a script of one's own gains that has its scalar loops and lists, and none of `nn`.
"""

import naive

from scalargrad import Value

naive.Value = Value
MicroGPT = naive.MicroGPT
