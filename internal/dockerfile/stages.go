package dockerfile

import (
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
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
		for _, command := range r.stages[i].Commands {
			switch c := command.(type) {
			case *instructions.CopyCommand:
				need(r.named(c.From, i))
			case *instructions.RunCommand:
				for _, m := range instructions.GetMounts(c) {
					need(r.named(m.From, i))
				}
			}
		}
	}
	need(len(r.stages) - 1)
	return needed
}

// base is the stage that a stage begins with; -1 for an image.
func (r *reader) base(i int) int {
	name, _ := r.expand(r.stages[i].BaseName, r.global)
	for j := i - 1; j >= 0; j-- {
		if r.stages[j].Name != "" && strings.EqualFold(r.stages[j].Name, name) {
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
		if strings.EqualFold(r.stages[j].Name, from) {
			return j
		}
	}
	if n, err := strconv.Atoi(from); err == nil && n >= 0 && n < before {
		return n
	}
	return -1
}
