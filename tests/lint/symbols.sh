#!/usr/bin/env bash
# What the objects of src/ tell: nothing dead, and no state outside of what is handed on. A function that src/ defines is
# used by another file of src/; one that only its own file uses is static; one that a header declares is defined; data
# that can be written to, static in a function too, stands with its reason in LIST.
# Usage: symbols.sh SOURCE_DIR BUILD_DIR LIST; lines of LIST are "unused NAME REASON" or "mutable FILE:NAME REASON".
# shellcheck source=tests/lint/lib.sh
source "$(dirname "$0")/lib.sh"
build=$(cd "$2" && pwd)
list=$(realpath "$3")
cd "$1"

command -v jq >/dev/null || skip "jq is not installed"
command -v objdump >/dev/null || skip "objdump is not installed"
table=$(symbols "$build")
[ -n "$table" ] || report "no compile command of src/ found" <<<"$build/compile_commands.json"

{ awk '!/^(#|$)/ && (NF < 3 || $1 !~ /^(unused|mutable)$/) { print FILENAME ":" FNR ": " $0 }' "$list"; } |
    report "lines are: unused NAME REASON, or mutable FILE:NAME REASON"

# Where the name stands in the file's code, and how often.
judge() {
    perl -e '
        use strict; use warnings;
        my ($list) = @ARGV;
        my (%allowed, %needed, @symbols, %users, %code);
        open my $in, "<", $list or die "$list: $!";
        while (<$in>) { $allowed{"$1 $2"} = "$list:$." if /^(unused|mutable)\s+(\S+)\s+\S/ }
        while (<STDIN>) {
            last if $_ eq "\n";
            chomp;
            my ($file, $section, $scope, $kind, $name) = split /\t/;
            if ($section eq "*UND*") { $users{$name}{$file} = 1 } else { push @symbols, [$file, $section, $scope, $kind, $name] }
        }
        while (<STDIN>) { my ($file, $line, $text) = /^([^:]*):(\d+):(.*)/ or next; push @{$code{$file}}, [$line, $text] }
        my %defined = map { $_->[4] => 1 } @symbols;

        # a name made by a macro for an instruction set (lks_table_avx2) has no line
        my $at = sub {
            my ($file, $name) = @_;
            my ($first, $count) = (undef, 0);
            for (@{$code{$file} || []}) {
                my $n = () = $_->[1] =~ /\b\Q$name\E\b/g or next;
                $count += $n;
                next if $_->[1] =~ /\b\Q$name\E\s*\([^{;]*\)\s*;|^\s*extern\b/;
                $first //= $_->[0] if $_->[1] =~ /^\S.*\b\Q$name\E\b|\bstatic\b.*\b\Q$name\E\b/;
            }
            return ($file . ($first ? ":$first" : ""), $count);
        };
        my $say = sub { print "$_[0]\t$_[1]\n" };

        my %seen;
        for (sort { $a->[0] cmp $b->[0] || $a->[4] cmp $b->[4] } @symbols) {
            my ($file, $section, $scope, $kind, $name) = @$_;
            next if $seen{"$file $name"}++; # kernels are compiled once per instruction set
            if ($kind eq "O" && ($section eq "*COM*" || $section =~ /^\.(t?bss|t?data)/ && $section !~ /^\.data\.rel\.ro/)) {
                (my $plain = $name) =~ s/\.\d+$//;
                my $key = "mutable " . $file =~ s,.*/,,r . ":$plain";
                $needed{$key} = 1;
                next if $allowed{$key};
                my ($where) = $at->($file, $plain);
                $say->("mutable", "$where: $plain can be written to; hand it on in a struct, make it const, or name it in " . $list);
            }
            next if $scope ne "g" || $name eq "main" || grep { $_ ne $file } keys %{$users{$name} || {}};
            my ($where, $count) = $at->($file, $name);
            $needed{"unused $name"} = 1;
            next if $allowed{"unused $name"};
            $say->("dead", "$where: $name is used " . ($count > 1 ? "in its own file only: make it static, and take it out of the header"
                                                                   : "nowhere in src/: delete it, its declaration and its tests"));
        }
        for (sort keys %allowed) { $say->("stale", "$allowed{$_}: $_: not so; strike the line") unless $needed{$_} }

        # declared in a header at depth 0, and neither static nor defined
        for my $file (sort grep { /\.h$/ } keys %code) {
            my ($depth, $text, $start) = (0, "", 0);
            for (@{$code{$file}}) {
                my ($line, $code) = @$_;
                next if $code =~ /^\s*#/;
                for my $part (split /([{};])/, $code) {
                    if ($part eq "{") { $depth++; $text = "" if $depth == 1 }
                    elsif ($part eq "}") { $depth--; $text = "" if $depth == 0 }
                    elsif ($depth > 0) { next }
                    elsif ($part eq ";") {
                        $text =~ s/\bLKS_PUBLIC_(BEGIN|END)\b//g;
                        $text =~ s/__attribute__\s*(\((?:[^()]|(?1))*\))//g;
                        if ($text !~ /^\s*(typedef|static|struct\s+\w+\s*$|_Static_assert|[A-Z_]+\s*\()/) {
                            # kernels: name##_avx2 and its like
                            $text =~ s/\bLKS_KERNEL\s*\(\s*(\w+)\s*\)/$1/;
                            my ($name) = $text =~ /\(\s*\*[^()]*?\b(\w+)\s*(?:\[[^]]*\]\s*)*\)/ && $text =~ /\bextern\b/ ? $1 :
                                $text =~ /^[^=(]*?\b(\w+)\s*\(/ ? $1 : $text =~ /\bextern\b.*\b(\w+)\s*(?:\[[^]]*\]\s*)*$/s;
                            $say->("undefined", "$file:$start: $name is declared and defined nowhere: delete the line")
                                if $name && !$defined{$name} && !$defined{"${name}_portable"};
                        }
                        $text = "";
                    } else { $start = $line if $text !~ /\S/; $text .= "$part " }
                }
            }
        }' "$list"
}
verdicts=$({ printf '%s\n\n' "$table" && code_in src include; } | judge)
of() { sed -n "s/^$1\t//p" <<<"$verdicts"; }
of dead | report "dead functions and data"
of undefined | report "declarations of nothing"
of mutable | report "state that is not handed on"
of stale | report "exceptions that are none, or no more"
finish
