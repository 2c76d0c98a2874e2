"""The promises to a client, checked on a journal after the end of a run.

A violation is a sentence that starts with one of the names below."""

import collections

from journal import LOGOUT, OBTAIN, REFRESH, VERIFY, Access, Poll, requests

DOUBLED = "two successors"
LOST = "acknowledged rotation lost"
LOST_REPLY = "lost reply ended the session"
ALIVE = "ended session lives"
ACCESS = "access after logout"
LIST = "list is incomplete"
UNRESOLVED = "unresolved"
UNEXPECTED = "unexpected answer"

ANSWERS = {200, 401}


def one_successor(records):
    successors = collections.defaultdict(set)
    for r in requests(records, REFRESH):
        if r.succeeded():
            successors[r.token.jti].add(r.refresh.jti)
            if (r.refresh.sid, r.refresh.gen) != (r.token.sid, r.token.gen + 1):
                yield f"{DOUBLED}: {r} has a successor of another session or generation"
    for jti, found in successors.items():
        if len(found) > 1:
            yield f"{DOUBLED}: refresh token {jti}: {sorted(found)}"


def by_session(records):
    sessions = collections.defaultdict(list)
    for r in sorted(requests(records), key=lambda r: r.start):
        token = r.token or r.refresh
        if token:
            sessions[token.sid].append(r)
    return sessions


def end_allowed(r, session):
    """Whether the session may be over when r is answered: a logout or the reuse of an older token has begun."""
    return any(e.start <= r.end and (e.op == LOGOUT or e.op == REFRESH and e.token.gen > r.token.gen)
               for e in session if e.op != OBTAIN)


def nothing_lost(records):
    """The first refusal of each session is one that its client caused."""
    for session in by_session(records).values():
        r = next((r for r in session if r.op == REFRESH and r.status == 401), None)
        if r and not end_allowed(r, session):
            repeated = any(e.op == REFRESH and e.token.jti == r.token.jti and e.unavailable() and e.start < r.start
                           for e in session)
            yield f"{LOST_REPLY if repeated else LOST}: {r}"


def ended_at(session):
    """When the client was informed that its session is over, or None."""
    return min((r.end for r in session if r.ended() or r.op == LOGOUT and r.succeeded()), default=None)


def stays_ended(records, interval):
    for session in by_session(records).values():
        end = ended_at(session)
        for r in session:
            allowed = interval if r.op == VERIFY else 0
            if end is not None and r.start > end + allowed and r.succeeded():
                yield f"{ALIVE}: {r.start - end:.3f} s after its end: {r}"


def no_access(records, limit):
    """limit: seconds after the logout in which a host may still accept an access token."""
    ends = {sid: ended_at(session) for sid, session in by_session(records).items()}
    for r in records:
        if isinstance(r, Access) and r.accepted:
            end = ends.get(r.token.sid)
            if end is not None and r.start > end + limit:
                yield f"{ACCESS}: {r.start - end:.1f} s after the logout: {r}"


def list_is_complete(records, interval):
    """A bundle says when it was signed: each logout that was confirmed the interval before is on its list."""
    logouts = [(ended_at(session), sid) for sid, session in by_session(records).items()]
    logouts = sorted((end, sid) for end, sid in logouts if end is not None)
    for r in records:
        if isinstance(r, Poll) and r.done:
            missing = [sid for end, sid in logouts if end + interval < r.iat and sid not in r.revoked]
            if missing:
                yield f"{LIST}: {r.host} at {r.end:.1f}, signed at {r.iat}: {len(missing)} missing, as {missing[0]}"


def all_resolved(records):
    """Each session was asked about until it was answered, so that a loss would have been seen."""
    for sid, session in by_session(records).items():
        last = max((r for r in session if not r.late), key=lambda r: r.end, default=None)
        if last and last.unavailable():
            yield f"{UNRESOLVED}: session {sid}: {last}"


def only_expected(records):
    for r in requests(records):
        if not r.unavailable() and (r.status not in ANSWERS or r.op == OBTAIN and not r.succeeded()):
            yield f"{UNEXPECTED}: {r}"


def violations(records, interval, limit):
    """interval: until every issuer publishes a logout; limit: until every host refuses. Seconds."""
    return [*one_successor(records), *nothing_lost(records), *stays_ended(records, interval),
            *no_access(records, limit), *list_is_complete(records, interval), *all_resolved(records),
            *only_expected(records)]
