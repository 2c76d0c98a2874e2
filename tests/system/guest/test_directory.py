"""Users of a directory: slapd with nslcd, then with sssd, in the sandbox of jwtd-login."""

import subprocess

import pytest
from files import until, write
from kit import DAEMONS, api, journal, sh, systemctl

USER = """dn: uid=ldapuser,dc=nodomain
objectClass: account
objectClass: posixAccount
objectClass: shadowAccount
uid: ldapuser
cn: ldapuser
uidNumber: 20001
gidNumber: 20001
homeDirectory: /nonexistent
userPassword: {password}
"""
SSSD = """[sssd]
services = nss, pam
domains = suite
[domain/suite]
id_provider = ldap
auth_provider = ldap
ldap_uri = ldap://127.0.0.1
ldap_search_base = dc=nodomain
ldap_id_use_start_tls = false
ldap_auth_disable_tls_never_use_in_production = true
"""


def must(command, text=None):
    out = sh(command, text)
    assert out.returncode == 0, (command, out, journal()[-3000:])
    return out.stdout


@pytest.fixture(scope="module", autouse=True)
def directory():
    must("systemctl start slapd")
    password = must("slappasswd -s 'secret of ldapuser'").strip()
    # slapd's package has made the database, whose administrator is root's user here.
    must("ldapmodify -Q -Y EXTERNAL -H ldapi:///", "dn: olcDatabase={1}mdb,cn=config\nchangetype: modify\n"
         f"replace: olcRootPW\nolcRootPW: {password}\n")
    admin = must("ldapsearch -Q -LLL -Y EXTERNAL -H ldapi:/// -b 'olcDatabase={1}mdb,cn=config' olcRootDN"
                 " | sed -n 's/^olcRootDN: //p'").strip()
    must(f"ldapadd -x -D '{admin}' -w 'secret of ldapuser' -H ldapi:///", USER.format(password=password))


@pytest.fixture(params=["nslcd", "sssd"])
def service(request):
    nss, module = {"nslcd": ("ldap", "pam_ldap.so"), "sssd": ("sss", "pam_sss.so")}[request.param]
    if request.param == "nslcd":
        write("/etc/nslcd.conf", "uid nslcd\ngid nslcd\nuri ldapi:///\nbase dc=nodomain\n", 0o600)
    else:
        write("/etc/sssd/sssd.conf", SSSD, 0o600)
    write("/etc/nsswitch.conf", f"passwd: files {nss}\ngroup: files {nss}\nshadow: files {nss}\n")
    write("/etc/pam.d/jwtd", f"auth sufficient pam_unix.so nodelay\nauth required {module} use_first_pass\n"
                             f"account sufficient pam_localuser.so\naccount required {module}\n")
    must("systemctl stop 'sssd*.socket'")
    must(f"systemctl restart {request.param}")
    systemctl("stop", *DAEMONS)
    yield request.param
    systemctl("stop", request.param)


def login(password):
    return api("/api/token/", {"username": "ldapuser", "password": password})[0]


def test_a_user_of_the_directory_logs_in_in_the_sandbox(service):
    until(lambda: sh("getent passwd ldapuser").returncode == 0, 20)
    assert login("secret of ldapuser") == 200, journal()[-3000:]
    assert login("wrong") == 401
    # After a restart of the service, too, whose directory in /run may be another one.
    must(f"systemctl restart {service}")
    until(lambda: subprocess.run(["getent", "passwd", "ldapuser"], stdout=subprocess.DEVNULL, check=False).returncode == 0, 20)
    until(lambda: login("secret of ldapuser") == 200, 15)


def test_a_local_user_logs_in_beside_it(service):
    assert service and api("/api/token/", {"username": "alice", "password": "correct horse battery staple"})[0] == 200
