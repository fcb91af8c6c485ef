"""The first teacher: a full Scene in, a Decision with its reason out. Never imported by what runs in the car."""
