"""Limits apply to the address of a client, which only trusted proxies may report."""

import pytest

from service.core.client_addresses import client_address, networks_in

PROXIES = networks_in("10.0.0.0/8, 2001:db8:ff::1")


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "address"),
    [
        ("192.0.2.1", "", "192.0.2.1"),
        ("192.0.2.1", "203.0.113.9", "192.0.2.1"),
        ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.7, 203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "203.0.113.9, 10.0.0.2", "203.0.113.9"),
        ("10.0.0.1", "10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "203.0.113.9, nonsense", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("::ffff:192.0.2.1", "", "192.0.2.1"),
        ("::ffff:10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "", "2001:db8:1:2::/64"),
        ("2001:db8:ff::1", "2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "", "fe80::/64"),
        ("unix:/run/zoo.sock", "203.0.113.9", "unix:/run/zoo.sock"),
    ],
)
def test_the_address_is_the_nearest_that_no_trusted_proxy_reports(
    peer: str, forwarded_for: str, address: str
):
    assert client_address(peer, forwarded_for=forwarded_for, trusted=PROXIES) == address


def test_a_name_is_no_network():
    with pytest.raises(ValueError, match="proxy"):
        networks_in("10.0.0.1, proxy.internal")
