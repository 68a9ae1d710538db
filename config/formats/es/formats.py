# Short, as tables have room for.
DATE_FORMAT = "j M Y"
YEAR_MONTH_FORMAT = "F Y"
