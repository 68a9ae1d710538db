from tracker.admin import imports as imports
