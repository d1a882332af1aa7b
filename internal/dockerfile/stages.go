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
		for _, c := range r.instructions(i) {
			need(r.named(c.from, i))
			for _, m := range c.mounts {
				need(r.named(m.from, i))
			}
		}
	}
	need(len(r.stages) - 1)
	return needed
}

// instructions are those of a stage, after those that its base has for it.
func (r *reader) instructions(i int) (all []instruction) {
	if base := r.base(i); base >= 0 {
		for _, t := range r.stages[base].triggers {
			all = append(all, t.instructions...)
			r.bad = r.bad || t.bad
		}
	}
	return append(all, r.stages[i].instructions...)
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
