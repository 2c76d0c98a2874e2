/*
 * The MESSAGE_ID of each kind of event (sd_journal_send(3)): what an administrator can search
 * for, `journalctl MESSAGE_ID=...`. One row an event; the ids are random and never change.
 */
#pragma once

/* A password bought a pair */
#define MESSAGE_LOGIN "423f79fc476b48d68931c95710e1ed37"
/* A password bought nothing */
#define MESSAGE_LOGIN_DENIED "732051d5e8994c42986e85c0030e39f5"
/* A refresh token was exchanged */
#define MESSAGE_REFRESHED "490d0a0cbbab4c92b1c6af5790b726f4"
/* A refresh token was refused */
#define MESSAGE_REFRESH_DENIED "c24dc1f1e29848efa5051f15f8dc7ba0"
/* A refresh token was used again after its grace: its session was ended */
#define MESSAGE_REUSE "055e9d1f6c6941a8baa6a6af72a0598c"
/* A session was ended on request */
#define MESSAGE_LOGOUT "6b8b8292f52c479994781d75753b8463"
/* A token is newer than the store: a backup was restored */
#define MESSAGE_ROLLBACK "440199221f314b47b90b2e7bcaa60d4a"
/* The settings file is wrong */
#define MESSAGE_SETTINGS "ab9ea4520da545ea90eabae12f089eb1"
/* The store can't be used */
#define MESSAGE_STORE "892661d3f0b846e595e2b49a04cb54f4"
/* A signing key was made, replaced or retired; or the keys can't be used */
#define MESSAGE_KEYS "0d8efe0d740644c9ae5e73fd45d4011c"
/* Keys, issuer or list can't be published */
#define MESSAGE_PUBLISHED "3ff944f5b399439a83a6fe631c5aec9f"
/* A message broke the wire's rules */
#define MESSAGE_WIRE "331dfc2acc90405fb40c58bfeed56ec8"
/* A request broke HTTP's rules */
#define MESSAGE_HTTP "3174f27fe0824ee6923d3d99bde99b5d"
/* A password check ended other than by a verdict */
#define MESSAGE_CHECK "ccb294aaf5404013b82a5d4e5a99bc12"
/* Jwtd-login's reason for refusing an account or its password */
#define MESSAGE_REFUSED "6e041b53dcea41119b57d7e2bd0d6507"
/* A daemon started, stopped or read its settings again */
#define MESSAGE_STARTED "22b878a828514af7b16dd9e7aaca97bc"
/* The wall clock is behind the store */
#define MESSAGE_CLOCK "7b7ef50986a04584bedb90f6da229eb7"
/* A limit was reached */
#define MESSAGE_OVERLOAD "cc1e9c538f1249f2918230c7db94b13b"
/* A token bought a narrower one */
#define MESSAGE_NARROWED "f70cf8249b3f438892ebb6444e6c17a4"
