/*
 * The MESSAGE_ID (sd_journal_send(3)) of each kind of log event, for `journalctl
 * MESSAGE_ID=...`; jwtd.catalog explains each. MESSAGE_IDs and the names of log fields
 * (JWT_USER=, user=) are a stable interface; messages are not, and may be reworded in any
 * release.
 */
#pragma once

/* Login succeeded */
#define MESSAGE_LOGIN "423f79fc476b48d68931c95710e1ed37"
/* Login failed or rate-limited */
#define MESSAGE_LOGIN_DENIED "732051d5e8994c42986e85c0030e39f5"
/* Refresh or sliding token exchanged */
#define MESSAGE_REFRESHED "490d0a0cbbab4c92b1c6af5790b726f4"
/* Refresh or sliding token refused */
#define MESSAGE_REFRESH_DENIED "c24dc1f1e29848efa5051f15f8dc7ba0"
/* Exchanged refresh token used again after RotationGrace, session revoked */
#define MESSAGE_REUSE "055e9d1f6c6941a8baa6a6af72a0598c"
/* Session revoked */
#define MESSAGE_LOGOUT "6b8b8292f52c479994781d75753b8463"
/* A token is newer than the store: was a backup restored? */
#define MESSAGE_ROLLBACK "440199221f314b47b90b2e7bcaa60d4a"
/* Settings cannot be used */
#define MESSAGE_SETTINGS "ab9ea4520da545ea90eabae12f089eb1"
/* Session store cannot be used */
#define MESSAGE_STORE "892661d3f0b846e595e2b49a04cb54f4"
/* Signing key created, replaced or retired; or the keys cannot be used */
#define MESSAGE_KEYS "0d8efe0d740644c9ae5e73fd45d4011c"
/* The keys were used on another machine: copied, or restored from a backup */
#define MESSAGE_COPY "946e263d4c4d4df88681ce12573fc393"
/* Public file cannot be written or read */
#define MESSAGE_PUBLISHED "3ff944f5b399439a83a6fe631c5aec9f"
/* Request between daemons failed, or connection from unauthorized uid */
#define MESSAGE_WIRE "331dfc2acc90405fb40c58bfeed56ec8"
/* Malformed HTTP request, or a reply that was not sent */
#define MESSAGE_HTTP "3174f27fe0824ee6923d3d99bde99b5d"
/* Password check without a result */
#define MESSAGE_CHECK "ccb294aaf5404013b82a5d4e5a99bc12"
/* PAM's reason for refusing a password or an account */
#define MESSAGE_REFUSED "6e041b53dcea41119b57d7e2bd0d6507"
/* Daemon started, stopped or reloaded its configuration */
#define MESSAGE_STARTED "22b878a828514af7b16dd9e7aaca97bc"
/* Wall clock behind the store */
#define MESSAGE_CLOCK "7b7ef50986a04584bedb90f6da229eb7"
/* Limit reached */
#define MESSAGE_OVERLOAD "cc1e9c538f1249f2918230c7db94b13b"
/* Token of another issuer exchanged */
#define MESSAGE_EXCHANGED "4db2e10571f64d91a4a8d042dfe50f9b"
/* Token of another issuer refused, or its exchange rate-limited */
#define MESSAGE_EXCHANGE_DENIED "fca9a613df624ea3b6f06f2e704b1e3d"
/* Token issued by root */
#define MESSAGE_ISSUED "5675429857aa4e8ba493b05838416fff"
/* Narrowed token issued */
#define MESSAGE_NARROWED "f70cf8249b3f438892ebb6444e6c17a4"
