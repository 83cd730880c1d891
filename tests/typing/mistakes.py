"""A user's mistakes: a type checker finds each of them, and no other line. The comments say what it finds."""

import hhfast as hh

hh.simulat("hodgkin_huxley", t_stop=20.0)  # attr-defined
hh.simulate("hodgkin_huxley", t_stop="20 ms")  # arg-type
hh.simulate("hodgkin_huxley", t_stop=20.0, integrator=4)  # arg-type
hh.simulate("hodgkin_huxley", t_stop=20.0, integrater="rk4")  # call-arg
hh.simulate("hodgkin_huxley", t_stop=20.0, stimulus=10.0)  # arg-type
hh.simulate("hodgkin_huxley", t_stop=20.0, record=["spikes"])  # list-item
hh.simulate("hodgkin_huxley")  # call-arg
hh.simulate("hodgkin_huxley", t_stop=20.0).spike_counts  # attr-defined
hh.models["hodgkin_huxley"].chanels  # attr-defined
hh.Trace("V", evry=0.1)  # call-arg
hh.find_rheobase("hodgkin_huxley")  # call-arg
hh.find_rheobase("hodgkin_huxley", width=1.0).rheobase  # attr-defined
