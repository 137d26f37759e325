"""The integer machine, bit-accurate: the specification that training and hardware are held against."""
