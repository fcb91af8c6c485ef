"""What a pixel shows: one small number per pixel, beside the image."""

from enum import IntEnum


class PixelClass(IntEnum):
    """Class of a pixel. Numbers are stored in data sets: never reused, only added to."""

    SKY = 0
    ROAD = 1
    MARKING = 2
    SIDEWALK = 3
    KERB = 4
    BUILDING = 5
    VEGETATION = 6
    GROUND = 7
    VEHICLE = 8
    TWO_WHEELER = 9
    PERSON = 10
    PERSON_ARM_RAISED = 11
    LAMP_RED = 12
    LAMP_YELLOW = 13
    LAMP_GREEN = 14
    SIGNAL_BODY = 15
    POLE = 16
    OTHER = 17
    OBSTACLE = 18  # a thing on the road: cone, barrier, box, gate
