"""What the operator must hear of by itself: each alarm one line when it opens, one when it is over (promise F8)."""

from gateway.service.alarms.board import Board, Measure
from gateway.service.alarms.codes import MEANING
from gateway.service.alarms.incidents import Incidents
from gateway.service.alarms.watch import Watch

__all__ = ["MEANING", "Board", "Incidents", "Measure", "Watch"]
