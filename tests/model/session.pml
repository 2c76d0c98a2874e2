/*
 * The life of one session, as jwtd/issuer/requests/{refresh,logout,token_session}.c decide it:
 * two processes of its client, a thief with a copy of a refresh token, two issuers on one
 * store, lost replies, crashes, failover, and the restore of a backup. spin visits every state.
 *
 *   at most one successor   two replies to one refresh token have the same pair
 *   reuse ends it           when a token is refused as reused, the session is revoked
 *   a lost reply costs no   without a thief and a restore, nothing but a logout ends it
 *   it stays ended          after the end, no request succeeds
 *
 * A mutation (-DMUTATE_...) takes one rule away; an assertion must then fail.
 * With -DWALK one process takes random steps and prints them; test_walks.py replays them.
 *
 * Three assumptions: a client repeats a request whose reply it did not get before RotationGrace
 * ends; no request is underway for longer than that; and a client does not use a new refresh
 * token while a request with the one before it is underway (it has an access token until then).
 */
#define CLIENT 0
#define THIEF 1
#ifndef PAIRS
#define PAIRS 4 /* that can be minted; a pair is the number of its refresh token */
#endif
#define NO_PAIR 0

mtype = { LIVE, REVOKED };
mtype = { OK, REFUSED, UNAVAILABLE };
mtype = { REFRESH, LOGOUT };
mtype = { CURRENT, GRACE, REUSED, ROLLED_BACK, ENDED };

typedef row {
    mtype state;
    byte gen;
    byte pair, previous;
    bool fresh /* within RotationGrace of the last rotation */
};

row store; /* the primary */
row standby;
row backup;
row none;
byte gen_of[PAIRS + 1];
byte minted;
byte held[2]; /* the refresh token that each has, or NO_PAIR */
bool has_backup, has_restored, has_stolen, has_failed_over;
byte underway;       /* requests of the client ... */
byte underway_token; /* ... and their token */
bool must_repeat;    /* the client did not get a reply */
#ifdef MUTATE_RUNS_WHAT_WAS_ANSWERED_503
byte late; /* the token of a request that an issuer has not run yet */
#endif

/* What a test could not see. */
byte successor[PAIRS + 1]; /* that a reply had */
bool ended, logged_out;

#define COPY(to, from)                                                                           \
    to.state = from.state;                                                                       \
    to.gen = from.gen;                                                                           \
    to.pair = from.pair;                                                                         \
    to.previous = from.previous;                                                                 \
    to.fresh = from.fresh

/* standing_of in refresh.c */
inline decide(seen, token, standing)
{
    if
    :: gen_of[token] > seen.gen -> standing = ROLLED_BACK
    :: gen_of[token] == seen.gen && token == seen.pair -> standing = CURRENT
    :: gen_of[token] == seen.gen && token != seen.pair -> standing = ROLLED_BACK
#ifndef MUTATE_NO_GRACE
    :: gen_of[token] + 1 == seen.gen && token == seen.previous && seen.fresh -> standing = GRACE
#endif
    :: else -> standing = REUSED
    fi
}

/* A commit is on both before it is answered. */
inline replicate()
{
#ifdef MUTATE_ASYNCHRONOUS_STANDBY
    skip
#else
    COPY(standby, store)
#endif
}

inline revoke()
{
    store.state = REVOKED;
    ended = true;
    replicate()
}

/* The conditional UPDATE of store_rotate. */
inline rotate(seen, result, next)
{
    if
    :: minted == PAIRS -> result = UNAVAILABLE
#ifndef MUTATE_UPDATE_WITHOUT_CONDITION
    :: store.state != LIVE || store.gen != seen.gen || store.pair != seen.pair ->
        result = UNAVAILABLE
#endif
    :: else ->
        minted++;
        next = minted;
        gen_of[next] = seen.gen + 1;
        store.gen = seen.gen + 1;
        store.previous = seen.pair;
        store.pair = next;
        store.fresh = true;
        replicate();
        result = OK
    fi
}

/* handle_refresh, after the row was read: changes the store. */
inline refresh(seen, token, standing, result, next)
{
    next = NO_PAIR;
    if
    :: seen.state == REVOKED -> result = REFUSED
    :: else ->
        decide(seen, token, standing);
        if
        :: standing == CURRENT -> rotate(seen, result, next)
        :: standing == GRACE ->
#ifdef MUTATE_GRACE_MINTS
            rotate(seen, result, next)
#else
            next = seen.pair;
            result = OK
#endif
        :: else ->
            assert(has_stolen || has_restored || logged_out);
#ifndef MUTATE_REUSE_IS_REFUSED_ONLY
            revoke();
#endif
            assert(store.state == REVOKED);
            result = REFUSED
        fi
    fi
}

/* A reply that reaches its client. */
inline receive(who, token, next)
{
    assert(successor[token] == NO_PAIR || successor[token] == next || has_restored);
    successor[token] = next;
    if
    :: gen_of[next] > gen_of[held[who]] -> held[who] = next
    :: else
    fi
}

inline restore()
{
    COPY(store, backup);
    has_restored = true;
#ifndef MUTATE_RESTORE_WITHOUT_REVOKE_ALL
    revoke() /* jwtctl revoke --all, the last line of "Backup and restore" */
#endif
}

inline begin_session()
{
    store.state = LIVE;
    minted = 1;
    store.pair = 1;
    gen_of[1] = 0;
    held[CLIENT] = 1;
    COPY(standby, store)
}

#ifndef WALK
/* One who asks again and again, and the issuer that answers. */
proctype asker(byte who)
{
    row seen;
    mtype standing, result, kind;
    byte token, next;
    bool was_ended;

end_again:
    atomic {
        held[who] != NO_PAIR &&
            (who == THIEF || underway == 0 || underway_token == held[CLIENT]);
        token = held[who];
        if
        :: kind = REFRESH
        :: who == CLIENT && !must_repeat -> kind = LOGOUT
        fi;
        if
        :: who == CLIENT ->
            underway++;
            underway_token = token
        :: else
        fi
    }
    /* The issuer reads the row ... */
    atomic {
        COPY(seen, store);
        was_ended = ended;
        result = UNAVAILABLE
    }
#ifdef MUTATE_REPLY_BEFORE_COMMIT
    atomic {
        if
        :: kind == REFRESH && seen.state == LIVE && token == seen.pair && minted < PAIRS ->
            minted++;
            gen_of[minted] = seen.gen + 1;
            receive(who, token, minted)
        :: else
        fi
    }
#endif
    /* ... and changes it in one transaction, unless it crashed, lost the store, or took too
     * long: what jwtd has answered 503 is not run later (is_abandoned in turn.c). */
    atomic {
        if
        :: true
#ifdef MUTATE_RUNS_WHAT_WAS_ANSWERED_503
        :: kind == REFRESH && who == CLIENT && late == NO_PAIR -> late = token
#endif
        :: kind == REFRESH -> refresh(seen, token, standing, result, next)
        :: kind == LOGOUT ->
            logged_out = true;
            revoke();
            result = REFUSED
        fi
    }
    /* The reply arrives, or not: then the client does not know what happened. */
    atomic {
        if
        :: result == OK ->
            assert(!was_ended);
            receive(who, token, next);
            must_repeat = (who == CLIENT -> false : must_repeat)
        :: result == REFUSED ->
            held[who] = NO_PAIR;
            must_repeat = (who == CLIENT -> false : must_repeat)
        :: result == UNAVAILABLE || result == OK ->
            must_repeat = (who == CLIENT -> true : must_repeat)
        fi;
        if
        :: who == CLIENT ->
            underway--;
            underway_token = (underway == 0 -> NO_PAIR : underway_token)
        :: else
        fi
    }
    /* The same state again, however it was reached. */
    d_step {
        COPY(seen, none);
        token = NO_PAIR;
        next = NO_PAIR;
        was_ended = false;
        standing = 0;
        result = 0;
        kind = 0
    }
    goto end_again
}

/* What happens around the issuers. */
proctype world()
{
#ifdef MUTATE_RUNS_WHAT_WAS_ANSWERED_503
    mtype standing, result;
    byte next;

#endif
end_world:
    do
    :: atomic { store.fresh && underway == 0 && !must_repeat ->
            store.fresh = false;
            replicate() }
    :: atomic { !has_stolen && held[CLIENT] != NO_PAIR ->
            has_stolen = true;
            held[THIEF] = held[CLIENT] }
#ifdef MUTATE_RUNS_WHAT_WAS_ANSWERED_503
    :: atomic { late != NO_PAIR -> refresh(store, late, standing, result, next); late = NO_PAIR }
#endif
#ifdef WITH_RESTORE
    :: atomic { !has_backup -> has_backup = true; COPY(backup, store) }
    :: atomic { has_backup && !has_restored -> restore() }
#endif
#ifdef WITH_FAILOVER
    :: atomic { !has_failed_over -> has_failed_over = true; COPY(store, standby) }
#ifdef MUTATE_ASYNCHRONOUS_STANDBY
    :: atomic { COPY(standby, store) }
#endif
#endif
    od
}

init {
    atomic {
        begin_session();
        run asker(CLIENT);
#ifndef WITH_RESTORE
        run asker(CLIENT);
#endif
        run asker(THIEF);
        run world()
    }
}
#endif

#ifdef WALK
/* Two issuers share the store: another one may answer the next request. */
inline choose_issuer()
{
    if
    :: true
    :: printf("other_issuer\n")
    fi
}

/* A request that is answered at once. Its reply arrives or is lost. */
inline walk_refresh(who)
{
    choose_issuer();
    COPY(seen, store);
    token = held[who];
    standing = ENDED; /* not looked at then */
    refresh(seen, token, standing, result, next);
    printf("refresh %d %e", token, standing);
    if
    :: result == OK ->
        assert(!ended);
        printf(" ok %d\n", next);
        if
        :: receive(who, token, next); must_repeat = (who == CLIENT -> false : must_repeat)
        :: must_repeat = (who == CLIENT -> true : must_repeat)
        fi
    :: else -> printf(" blacklisted\n")
    fi
}

inline grace_ends()
{
    store.fresh && !must_repeat ->
    store.fresh = false;
    printf("grace_ends\n")
}

inline walk_step()
{
    if
    :: walk_refresh(CLIENT)
    :: walk_refresh(CLIENT)
    :: walk_refresh(CLIENT)
    :: has_stolen -> walk_refresh(THIEF)
    :: with_thief && !has_stolen && steps > STEPS / 5 ->
        has_stolen = true;
        held[THIEF] = held[CLIENT]
    :: grace_ends()
    :: grace_ends()
    :: steps > STEPS * 2 / 3 ->
        choose_issuer();
        logged_out = true;
        printf("logout %d %e\n", held[CLIENT], store.state);
        revoke()
    :: with_restore && !has_backup ->
        has_backup = true;
        COPY(backup, store);
        printf("backup\n")
    :: has_backup && !has_restored && (steps > STEPS / 2 || ended) ->
        COPY(store, backup);
        has_restored = true;
        printf("restore\n");
        if
        :: ended ->
            revoke();
            printf("revoke_all\n")
        :: else
        fi
    fi
}

inline forget()
{
    for (i : 0 .. PAIRS) {
        successor[i] = NO_PAIR
    }
    held[THIEF] = NO_PAIR;
    COPY(store, none);
    has_backup = false;
    has_restored = false;
    has_stolen = false;
    must_repeat = false;
    ended = false;
    logged_out = false
}

init {
    row seen;
    mtype standing, result;
    byte token, next, steps, i;
    bool with_thief, with_restore;
    int walks;

    for (walks : 1 .. WALKS) {
        forget();
        begin_session();
        if
        :: with_thief = true
        :: with_thief = false
        fi;
        if
        :: with_restore = true
        :: with_restore = false
        fi;
        printf("login\n");
        steps = 0;
        do
        :: steps >= STEPS || minted == PAIRS -> break
        :: else ->
            steps = steps + (ended -> 3 : 1); /* little is left to be seen */
            walk_step()
        od
    }
}
#endif
