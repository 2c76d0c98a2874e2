/*
 * The environment variables in which `jwtctl run` passes to askpass which token to get. They
 * never hold a token.
 */
#pragma once

#define ASKPASS_SERVICE                                                                        \
    "JWT_ASKPASS_SERVICE"                 /* sshd or sudo; unset: the session's own token      \
                                           */
#define ASKPASS_HOST "JWT_ASKPASS_HOST"   /* that ssh goes to; unset: the prompt names it */
#define ASKPASS_ALIAS "JWT_ASKPASS_ALIAS" /* HostKeyAlias, the name in ssh's prompts */

#define ASKPASS_SSH_SCOPE "pam:sshd"
#define ASKPASS_SUDO_SCOPE "pam:sudo pam:sudo-i"
