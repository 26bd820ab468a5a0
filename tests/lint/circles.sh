#!/usr/bin/env bash
# No import circle between the files of src/. A .c file and the header of its name beside it are one node; a header
# without such a .c is a node of its own. A node imports another where it calls a function that the other defines, and
# where it includes a header of src/ that declares nothing of its own. A header that a file of another folder includes, or
# one of include/lockstep, is no node: it counts for the .c files that implement it. Data is no import: a table lists
# what others define, and who reads it knows none of them.
# Usage: circles.sh SOURCE_DIR BUILD_DIR
# shellcheck source=tests/lint/lib.sh
source "$(dirname "$0")/lib.sh"
build=$(cd "$2" && pwd)
cd "$1"

command -v jq >/dev/null || skip "jq is not installed"
command -v objdump >/dev/null || skip "objdump is not installed"
table=$(symbols "$build")
[ -n "$table" ] || report "no compile command of src/ found" <<<"$build/compile_commands.json"

circles() {
    perl -e '
        use strict; use warnings;
        my (%defines, %functions, @uses, %code, %imports, %why);
        while (<STDIN>) {
            last if $_ eq "\n";
            chomp;
            my ($file, $section, $scope, $kind, $name) = split /\t/;
            if ($section eq "*UND*") { push @uses, [$file, $name] } elsif ($scope eq "g" && $kind eq "F") { $defines{$name}{$file} = 1; $functions{$file}{$name} = 1 }
        }
        while (<STDIN>) { my ($file, $line, $text) = /^([^:]*):(\d+):(.*)/ or next; push @{$code{$file}}, [$line, $text] }

        my $node = sub { my $c = $_[0] =~ s/\.h$/.c/r; $code{$c} ? $c : $_[0] };
        my $import = sub {
            my ($from, $to, $place) = @_;
            return if $from eq $to;
            $why{"$from $to"} //= $place;
            $imports{$from}{$to} = 1;
        };
        my (@includes, %front);
        my $folder = sub { $_[0] =~ s,[^/]*$,,r };
        for my $file (sort keys %code) {
            for (@{$code{$file}}) {
                my ($line, $text) = @$_;
                my ($target) = $text =~ /^\s*#\s*include\s*"([^"]+)"/ or next;
                $target = $target =~ m,/, ? "src/$target" : $folder->($file) . $target;
                push @includes, [$file, $line, $target];
                $front{$target} = 1 if $folder->($file) ne $folder->($target);
            }
        }
        for (@includes) {
            my ($file, $line, $target) = @$_;
            next if $front{$file} || $front{$target};
            next if !$code{$target} || grep { $functions{$file}{$_} } map { $_->[1] =~ /\b(\w+)\s*\(/g } @{$code{$target}};
            $import->($node->($file), $node->($target), "$file:$line: includes $target");
        }
        for (sort { $a->[0] cmp $b->[0] || $a->[1] cmp $b->[1] } @uses) {
            my ($file, $name) = @$_;
            for my $other (sort keys %{$defines{$name} || {}}) {
                next if $other eq $file;
                my ($first) = grep { $_->[1] =~ /\b\Q$name\E\b/ } @{$code{$file} || []};
                $import->($file, $other, $file . ($first ? ":$first->[0]" : "") . ": uses $name of $other");
            }
        }

        # Tarjan 1972: the strongly connected components
        my ($circles, $count, @stack, %index, %low, %on) = (0, 0);
        my $visit;
        $visit = sub {
            my ($v) = @_;
            $index{$v} = $low{$v} = $count++;
            push @stack, $v;
            $on{$v} = 1;
            for my $w (sort keys %{$imports{$v} || {}}) {
                if (!defined $index{$w}) { $visit->($w); $low{$v} = $low{$w} if $low{$w} < $low{$v} }
                elsif ($on{$w} && $index{$w} < $low{$v}) { $low{$v} = $index{$w} }
            }
            return if $low{$v} != $index{$v};
            my (@part, $w);
            do { $w = pop @stack; delete $on{$w}; push @part, $w } until $w eq $v;
            return if @part < 2;
            my %in = map { $_ => 1 } @part;
            my $which = sprintf "circle %d, of %d files", ++$circles, scalar @part;
            for my $from (sort @part) { print $why{"$from $_"}, " ($which)\n" for grep { $in{$_} } sort keys %{$imports{$from}} }
        };
        defined $index{$_} or $visit->($_) for sort keys %imports;'
}
{ printf '%s\n\n' "$table" && code_in src; } | circles |
    report "files that import each other: move what both need into a file of its own, or hand a function or table on"
finish
