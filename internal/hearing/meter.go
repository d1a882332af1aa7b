package hearing

import "math"

const (
	silence  = -100.0 // dB of full scale
	base     = 8000   // samples in a second that sound is measured at, about
	emphasis = 0.95   // of the last sample that is subtracted from the next: hum and rumble do not count
	pitch    = 0.5    // how far a vowel resembles itself a period later, at least; noise does less
	pure     = 0.9    // how far a tone does
)

// measured is what is known of a window.
type measured struct {
	level  float64 // dB of full scale
	voiced bool    // it has a pitch
	tonal  bool    // it is a tone, or a vowel without noise
}

// meter cuts sound into windows. The zero meter is at the beginning of one.
type meter struct {
	rate    int
	sum     int // of the samples that make one
	summed  int
	last    float64
	samples []float64
}

// measure adds a frame, and hands on each window that is full.
func (m *meter) measure(f Frame, add func(measured)) {
	if m.rate != f.Rate {
		*m = meter{rate: f.Rate}
	}
	factor := max(1, f.Rate/base)
	full := f.Rate / factor / 50
	for _, s := range f.Samples {
		m.sum += int(s)
		if m.summed++; m.summed < factor {
			continue
		}
		x := float64(m.sum) / float64(factor) / math.MaxInt16
		m.samples = append(m.samples, x-emphasis*m.last)
		m.last, m.sum, m.summed = x, 0, 0
		if len(m.samples) == full {
			add(measure(m.samples))
			m.samples = m.samples[:0]
		}
	}
}

func measure(samples []float64) measured {
	level := max(silence, 10*math.Log10(power(samples)+1e-12))
	if level < quiet {
		return measured{level: level}
	}
	r := resemblance(samples)
	return measured{level, r > pitch, r > pure}
}

func power(samples []float64) (p float64) {
	for _, x := range samples {
		p += x * x
	}
	return p / float64(len(samples))
}

// resemblance is how far a window resembles itself a period of 80 to 1000 Hz later, at
// most 1. What is pure is not compared further.
func resemblance(samples []float64) (most float64) {
	n := len(samples)
	for lag := n / 20; lag <= n*5/8 && most <= pure; lag++ {
		var product, first, second float64
		for i, x := range samples[lag:] {
			y := samples[i]
			product, first, second = product+x*y, first+x*x, second+y*y
		}
		if product > 0 {
			most = max(most, product/math.Sqrt(first*second))
		}
	}
	return most
}
