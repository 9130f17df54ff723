package io.netty.resolver;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.List;

/**
 * Replaces Netty's class of the same name (4.1), which reads only /etc/hosts: names come from Java's own resolver, and thus from the file of the
 * system property jdk.net.hosts.file.
 */
public final class DefaultHostsFileEntriesResolver implements HostsFileEntriesResolver {
    @Override
    public InetAddress address(String name, ResolvedAddressTypes types) {
        List<InetAddress> all = addresses(name, types);
        return all == null ? null : all.get(0);
    }

    public List<InetAddress> addresses(String name, ResolvedAddressTypes types) {
        try {
            return Arrays.asList(InetAddress.getAllByName(name));
        } catch (UnknownHostException e) {
            return null;
        }
    }
}
