"""When an answer is due: GDPR Art. 12(3) gives one calendar month from the request."""

import calendar
from datetime import datetime


def one_month_after(moment: datetime) -> datetime:
    """The same day and time of the next month, or that month's last day when it has no such day."""
    year, month = (moment.year + 1, 1) if moment.month == 12 else (moment.year, moment.month + 1)
    last_day = calendar.monthrange(year, month)[1]
    return moment.replace(year=year, month=month, day=min(moment.day, last_day))
