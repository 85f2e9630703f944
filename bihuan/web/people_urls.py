"""Addresses of the ladders: the desk of those who raise people, and what is public of it."""

from django.urls import path

import bihuan.web.people.keys  # noqa: F401  registers <ladder:...>
from bihuan.web.people import applying, board, deeds, home, mine, nominating, notices, ranking

urlpatterns = [
    path("people/", home.home, name="people"),
    path("people/s/<str:no>/", deeds.person, name="people_person"),
    path("people/s/<str:no>/vote/", deeds.vote),
    path("people/s/<str:no>/withdraw/", deeds.withdraw),
    path("people/s/<str:no>/settle/<str:case_no>/", deeds.settle),
    path("people/s/<str:no>/rule/", deeds.rule),
    path("people/s/<str:no>/gates/<slug:key>/", deeds.open_gate),
    path("people/s/<str:no>/moves/<slug:key>/", deeds.make_move),
    path("people/s/<str:no>/facts/<slug:ask>/", deeds.fact),
    path("people/s/<str:no>/papers/", deeds.paper),
    path("people/s/<str:no>/reveal/", deeds.reveal),
    path("people/s/<str:no>/assign/", deeds.assign),
    path("people/s/<str:no>/duties/<slug:key>/", deeds.do_duty),
    path("people/s/<str:no>/entries/", deeds.enter),
    path("people/mine/<str:signed>/", mine.mine, name="people_mine"),
    path("people/mine/<str:signed>/<str:no>/appeal/", mine.appeal),
    path("people/mine/<str:signed>/<str:no>/withdraw/", mine.withdraw),
    path("people/mine/<str:signed>/<str:no>/moves/<slug:key>/", mine.act, {"part": "moves"}),
    path("people/mine/<str:signed>/<str:no>/gates/<slug:key>/", mine.act, {"part": "gates"}),
    path("my/", mine.find, name="my"),
    path("my/<str:no>/", mine.find),
    path("apply/", applying.programs, name="apply"),
    path("apply/sent/", applying.applied, name="applied"),
    path("apply/<ladder:program>/", applying.apply),
    path("notices/", notices.notices, name="notices"),
    path("notices/objected/<str:signed>/", notices.objected, name="notice_objected"),
    path("notices/<str:no>/", notices.notice),
    path("people/<ladder:program>/", board.board, name="people_board"),
    path("people/<ladder:program>/gaps/", board.gaps),
    path("people/<ladder:program>/ranking/", ranking.lines),
    path("people/<ladder:program>/ranking/<slug:key>/", ranking.rank),
    path("people/<ladder:program>/nominate/", nominating.nominate),
    path("people/<ladder:program>/nominate/find/", nominating.find),
    path("people/<ladder:program>/nominate/<str:no>/", nominating.nominate_known),
]
