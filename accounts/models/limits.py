from typing import ClassVar

from django.db import models


class ConcurrencySlot(models.Model):
    """A numbered place that a caller's running work occupies. It frees itself when `lease_until` has passed."""

    caller = models.CharField("user:ID or ip:PREFIX", max_length=64)
    number = models.PositiveSmallIntegerField()
    holder = models.CharField("such as job:12", max_length=100, db_index=True)
    lease_until = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["caller", "number"], name="one_holder_a_slot")]

    def __str__(self) -> str:
        return f"{self.caller} slot {self.number}: {self.holder}"


class DailyUse(models.Model):
    """How many transcriptions a caller without an account began on one UTC day."""

    caller = models.CharField("ip:PREFIX", max_length=64)
    day = models.DateField()
    count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["caller", "day"], name="one_count_a_day")]

    def __str__(self) -> str:
        return f"{self.caller} {self.day}: {self.count}"


class RateCounter(models.Model):
    """GCRA's one number for a caller and a bucket: when the next request would be exactly on time, in microseconds
    since 1970. It lives in the database that COUNTERS names, away from the money."""

    name = models.CharField(primary_key=True, max_length=120)
    tat = models.BigIntegerField("theoretical arrival time")

    def __str__(self) -> str:
        return self.name
