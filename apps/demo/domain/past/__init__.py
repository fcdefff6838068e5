"""A past for the demo's accounts: simple strategies over recorded daily rates, booked to the cent.

Time is counted in steps of five minutes over business days that follow one another, as the paper
venue plays them; :class:`~apps.demo.domain.past.calendar.Calendar` says which moments they were.
"""
