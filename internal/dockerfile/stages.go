package dockerfile

import (
	"strconv"
	"strings"
)

// needed says which stages the last one is made of. The builder leaves the others
// alone, whatever they copy.
func (r *reader) needed() []bool {
	needed := make([]bool, len(r.stages))
	var need func(int)
	need = func(i int) {
		if i < 0 || needed[i] {
			return
		}
		needed[i] = true
		need(r.base(i))
		for _, c := range r.stages[i].instructions {
			need(r.named(c.from, i))
			for _, m := range c.mounts {
				need(r.named(m.from, i))
			}
		}
	}
	need(len(r.stages) - 1)
	return needed
}

// base is the stage that a stage begins with; -1 for an image.
func (r *reader) base(i int) int {
	name, known := r.expand(r.stages[i].base, r.global)
	for j := i - 1; j >= 0; j-- {
		if known && r.stages[j].name != "" && strings.EqualFold(r.stages[j].name, name) {
			return j
		}
	}
	return -1
}

// named is the stage before another one that a --from names, by name or number;
// -1 for an image.
func (r *reader) named(from string, before int) int {
	if from == "" {
		return -1
	}
	for j := before - 1; j >= 0; j-- {
		if strings.EqualFold(r.stages[j].name, from) {
			return j
		}
	}
	if n, err := strconv.Atoi(from); err == nil && n >= 0 && n < before {
		return n
	}
	return -1
}
