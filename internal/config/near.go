package config

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"pipecat-cloud-deploy/internal/suggest"
)

// didYouMean is suggest.Nearest, or else the name that this is a part of, as the end of
// a sentence; "" where there is none.
func didYouMean(name string, names []string) string {
	return asQuestion(nearest(name, names))
}

// didYouMeanKey is the same of a config file's keys, by the names that they have now.
func didYouMeanKey(key string, known map[string]fileKey) string {
	near := nearest(key, slices.DeleteFunc(names(known), func(name string) bool { return name == retiredKrisp }))
	return asQuestion(cmp.Or(known[near].now, near))
}

func asQuestion(near string) string {
	if near == "" {
		return ""
	}
	return "; did you mean " + near + "?"
}

func nearest(name string, names []string) string {
	return cmp.Or(suggest.Nearest(name, names), whole(name, names))
}

// whole is the name that has all words of a part, as agent-name has agent. Of several,
// it is one that begins with the part, and the shortest; "" where two are alike in that.
func whole(part string, names []string) string {
	parts := words(part)
	var best []string
	extra := func(name string) int {
		if slices.Equal(words(name)[:len(parts)], parts) {
			return len(name) - len(part)
		}
		return 1000 + len(name)
	}
	for _, name := range names {
		has := words(name)
		if len(parts) == 0 || len(parts) > len(has) || slices.ContainsFunc(parts, func(word string) bool { return !slices.Contains(has, word) }) {
			continue
		}
		switch {
		case best == nil || extra(name) < extra(best[0]):
			best = []string{name}
		case extra(name) == extra(best[0]):
			best = append(best, name)
		}
	}
	if len(best) != 1 {
		return ""
	}
	return best[0]
}

// words are those of a name, without their plural.
func words(name string) (all []string) {
	for word := range strings.FieldsFuncSeq(strings.ToLower(name), func(c rune) bool { return c == '_' || c == '-' || c == '.' }) {
		all = append(all, strings.TrimSuffix(word, "s"))
	}
	return all
}

// names lists the keys of a map.
func names[V any](m map[string]V) []string { return slices.Collect(maps.Keys(m)) }
