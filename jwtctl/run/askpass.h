/*
 * What `jwtctl run` tells askpass, in the environment: never a token, only which one to make.
 */
#pragma once

#define ASKPASS_SERVICE "JWT_ASKPASS_SERVICE" /* sshd or sudo; without it, the whole token */
#define ASKPASS_HOST "JWT_ASKPASS_HOST"       /* where ssh goes to; without it, as ssh asks */
#define ASKPASS_ALIAS "JWT_ASKPASS_ALIAS"     /* the name that ssh asks for it by, if another */

#define ASKPASS_SSH_SCOPE "pam:sshd"
#define ASKPASS_SUDO_SCOPE "pam:sudo pam:sudo-i"
