# The readers in Perl: perl.pl NAME. The protocol is told in __init__.py.
use strict;
use warnings;
use JSON::PP;
use Time::HiRes qw(clock_gettime CLOCK_PROCESS_CPUTIME_ID);

my %readers = (
    'BounceParser' => sub {
        require Mail::DeliveryStatus::BounceParser;
        # is_bounce is true of any mail; one with a report about somebody is meant.
        return $Mail::DeliveryStatus::BounceParser::VERSION,
            sub { scalar Mail::DeliveryStatus::BounceParser->new(shift)->reports };
    },
    'Sisimai' => sub {
        require Sisimai;
        return Sisimai->version, sub { my $raw = shift; my $read = Sisimai->make(\$raw); $read && @$read };
    },
);
sub load {
    open my $list, '<', shift or die $!;
    my @texts;
    while (my $path = <$list>) {
        chomp $path;
        open my $file, '<:raw', $path or die $!;
        local $/;
        push @texts, scalar <$file>;
    }
    return \@texts;
}

my $name = shift;
my ($version, $read) = $readers{$name}->();
$| = 1;
print encode_json({ name => "$name $version" }), "\n";
open STDERR, '>', '/dev/null';    # both warn of odd mail
my %sets;
while (my $path = <STDIN>) {
    chomp $path;
    my $texts = $sets{$path} //= load($path);
    my ($found, %faults) = (0);
    my $start = clock_gettime(CLOCK_PROCESS_CPUTIME_ID);
    for my $raw (@$texts) {
        my $is = eval { $read->($raw) ? 1 : 0 };
        defined $is ? $found += $is : $faults{'die'}++;
    }
    print encode_json({ cpu => clock_gettime(CLOCK_PROCESS_CPUTIME_ID) - $start, found => $found, faults => \%faults }), "\n";
}
