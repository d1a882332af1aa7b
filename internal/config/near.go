package config

import (
	"maps"
	"slices"

	"pipecat-cloud-deploy/internal/suggest"
)

// didYouMean is suggest.Nearest as the end of a sentence; "" where there is none.
func didYouMean(name string, names []string) string {
	if near := suggest.Nearest(name, names); near != "" {
		return "; did you mean " + near + "?"
	}
	return ""
}

// names lists the keys of a map.
func names[V any](m map[string]V) []string { return slices.Collect(maps.Keys(m)) }
