#!/usr/bin/perl
# Summarises an access log in the Common Log Format, posted as the body, as a page of HTML: requests
# and bytes by status, and the paths asked for most. `?top=N` asks for N paths instead of five.
#
# It knows CGI (RFC 3875) and nothing of Leasehold, and would run under any web server.
use strict;
use warnings;

sub refuse {
    my ($status, $why) = @_;
    print "Status: $status\r\nContent-Type: text/plain\r\n\r\n$why\n";
    exit 0;
}

# What a log holds is a stranger's text.
sub escaped {
    my ($text) = @_;
    my %entity = ('&' => '&amp;', '<' => '&lt;', '>' => '&gt;', '"' => '&quot;');
    $text =~ s/([&<>"])/$entity{$1}/g;
    $text =~ s/([^\x20-\x7e])/sprintf('&#%d;', ord $1)/ge;
    return $text;
}

refuse('405 Method Not Allowed', 'post a log') if ($ENV{REQUEST_METHOD} // '') ne 'POST';
my $top = ($ENV{QUERY_STRING} // '') =~ /(?:^|&)top=([1-9][0-9]{0,2})(?:&|$)/ ? $1 : 5;

my (%requests, %bytes, %paths, %hosts);
my ($total, $bad) = (0, 0);
while (my $line = <STDIN>) {
    chomp $line;
    # host ident user [time] "METHOD path PROTOCOL" status bytes
    if ($line =~ m{^(\S+) \S+ \S+ \[[^\]]+\] "[A-Z]+ ([^\s?"]+)[^"]*" ([1-5][0-9]{2}) ([0-9]+|-)}) {
        my ($host, $path, $status, $size) = ($1, $2, $3, $4);
        $total++;
        $hosts{$host}++;
        $requests{$status}++;
        $bytes{$status} += $size eq '-' ? 0 : $size;
        $paths{$path}++;
    } elsif ($line ne '') {
        $bad++;
    }
}
refuse('422 Unprocessable Content', 'no line of it is in the Common Log Format') if $total == 0;

print "Content-Type: text/html; charset=us-ascii\r\n";
print "X-Requests: $total\r\n\r\n";
print "<!doctype html>\n<title>Access report</title>\n";
printf "<p>%d requests of %d hosts; %d lines were not understood.</p>\n", $total, scalar keys %hosts, $bad;
print "<table>\n<tr><th>status</th><th>requests</th><th>bytes</th></tr>\n";
printf "<tr><td>%s</td><td>%d</td><td>%d</td></tr>\n", $_, $requests{$_}, $bytes{$_} for sort keys %requests;
print "</table>\n<ol>\n";
my @paths = sort { $paths{$b} <=> $paths{$a} || $a cmp $b } keys %paths;
splice @paths, $top if @paths > $top;
printf "<li>%s: %d</li>\n", escaped($_), $paths{$_} for @paths;
print "</ol>\n";
