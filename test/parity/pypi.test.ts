import { listed } from './harness/lists.ts';
import { describeSameAsPip } from './harness/same-as-pip.ts';

describeSameAsPip(listed('wheels'));
describeSameAsPip(listed('sdists'));
