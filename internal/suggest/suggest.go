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
	own := strings.LastIndexByte(name, '.') + 1 // where its table ends
	best, least := "", far
	for _, n := range slices.Sorted(slices.Values(names)) {
		known := plain(n)
		d := apart(name, known)
		if table, bare, ok := strings.Cut(known, "."); ok {
			d = min(d, apart(name, bare))
			if own > 0 && name[:own-1] == table { // which says nothing of the rest
				d = far
			}
			d = min(d, apart(name[own:], bare))
		}
		if d < least {
			best, least = n, d
		}
	}
	return best
}

// far is more than the letters that a name may differ by.
const far = 4

// apart is the distance of a name from a known one; far where that is more than a
// quarter of its letters.
func apart(name, known string) int {
	if d := distance(name, known); d <= len(name)/4 {
		return min(d, far)
	}
	return far
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
