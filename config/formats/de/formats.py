# Short, as tables have room for.
DATE_FORMAT = "d.m.Y"
