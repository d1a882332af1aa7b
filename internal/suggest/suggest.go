// Package suggest finds what a person meant by a name that is not known.
package suggest

import (
	"slices"
	"strings"

	"github.com/agext/levenshtein"
)

// Nearest is the one of some names that a person may have meant by another: it differs
// by its dashes, dots and upper case letters, by an s at its end, by its table, or by
// a few letters. It is "" where none does.
func Nearest(name string, names []string) string {
	name = plain(name)
	best, least := "", 1+min(3, len(name)/4)
	for _, n := range slices.Sorted(slices.Values(names)) {
		d := distance(name, plain(n))
		if _, bare, ok := strings.Cut(n, "."); ok { // in a table
			d = min(d, distance(name, plain(bare)), distance(name[strings.LastIndexByte(name, '.')+1:], plain(bare)))
		}
		if d < least {
			best, least = n, d
		}
	}
	return best
}

// distance is how many letters two names differ by. Two that have changed places
// count as one, and so does what stands for the same letters.
func distance(a, b string) int {
	if a == b {
		return 0
	}
	if len(a) == len(b) {
		for i := range len(a) - 1 {
			if a[i] == b[i+1] && a[i+1] == b[i] && a[:i] == b[:i] && a[i+2:] == b[i+2:] {
				return 1
			}
		}
	}
	return levenshtein.Distance(a, b, nil)
}

// plain is a name without what people mix up: dashes for underscores, upper case
// letters, a plural.
func plain(name string) string {
	return strings.TrimSuffix(strings.ToLower(strings.ReplaceAll(name, "-", "_")), "s")
}
