#!/usr/bin/env bash
# No struct or union with more than 30 members, those of nested ones without a tag counted with it. Many members are
# many nouns: give each its struct. Usage: structs.sh SOURCE_DIR
# shellcheck source=tests/lint/lib.sh
source "$(dirname "$0")/lib.sh"
cd "$1"

most=30
members() {
    perl -e '
        use strict; use warnings;
        my ($most, %code) = @ARGV;
        while (<STDIN>) { my ($file, $line, $text) = /^([^:]*):(\d+):(.*)/ or next; push @{$code{$file}}, [$line, $text] }
        for my $file (sort grep { ref $code{$_} } keys %code) {
            # one element an entry of @open: what a brace belongs to (a tag, "" for none, undef for other blocks)
            my (@open, $text);
            $text = "";
            for (@{$code{$file}}) {
                my ($line, $code) = @$_;
                next if $code =~ /^\s*#/;
                for my $part (split /([{};])/, $code) {
                    if ($part eq "{") {
                        my ($what, $tag) = $text =~ /\b(struct|union)(?:\s+(\w+))?\s*$/;
                        push @open, {what => $what, tag => $tag, line => $line, members => 0};
                        $text = "";
                    } elsif ($part eq "}") {
                        my $done = pop @open or next;
                        if ($done->{what}) {
                            my $outer = $open[-1];
                            if ($outer && $outer->{what} && !$done->{tag}) {
                                $outer->{members} += $done->{members};
                                $text = "nested";
                                next;
                            }
                            print "$file:$done->{line}: ", $done->{tag} ? "$done->{what} $done->{tag}" : "$done->{what} without a tag",
                                " has $done->{members} members\n" if $done->{members} > $most;
                        }
                        $text = $done->{what} ? "closed " : "";
                    } elsif ($part eq ";") {
                        # declarators: what commas part outside of parentheses, brackets and initialisers
                        if (@open && $open[-1]{what} && $text =~ /\S/ && $text !~ /^nested|_Static_assert/) {
                            1 while $text =~ s/\([^()]*\)|\[[^][]*\]//g;
                            $open[-1]{members} += 1 + ($text =~ tr/,//);
                        }
                        $text = "";
                    } else { $text .= "$part " }
                }
            }
        }' $most
}
code_in src include | members | report "more than $most members; part it by what belongs together"
finish
